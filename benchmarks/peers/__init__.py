"""Other servers with the same small protocol, each as its library is meant to be used."""
