"""Tables of the providers of each kind of work: another provider is one more entry."""
