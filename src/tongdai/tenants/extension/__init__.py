"""Extensions: the short numbers of a tenant, whatever they reach."""
