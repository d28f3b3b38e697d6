"""The command grammar: files, sentences, slots, numbers in words."""
