// Functions without a body, which licenses.go links, need a file of assembly beside them.
