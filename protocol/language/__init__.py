"""What is said in words: phrases, sentences for the voice, what a sentence asks for."""
