"""A whole deployment on real servers, ill-treated in every way it knows, and judged by its log and its targets."""
