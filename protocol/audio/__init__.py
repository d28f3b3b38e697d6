"""From samples to words: blocks, ends of speech, early transcripts, captions."""
