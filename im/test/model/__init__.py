"""The whole business layer against a model of it that is as naive as can be."""
