"""Prompts: sound that a company has recorded, uploaded or had spoken, to be played wherever it chooses."""
