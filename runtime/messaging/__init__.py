"""Messaging: messages in bounded mailboxes, asks, references that outlive their actor, exits."""
