"""What several replicas of the server share: the store, its scripts, and what keeps a slow store from slowing us."""
