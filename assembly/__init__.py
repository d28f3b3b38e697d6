"""Who is made of what: the references of the actors, and what each of them is given."""
