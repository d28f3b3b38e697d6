"""How actors talk: messages in bounded mailboxes, asks, references that outlive their actor, how an actor ended."""
