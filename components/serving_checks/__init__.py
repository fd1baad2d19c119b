"""What InfraValidator and ParityCheck share: the model in process, its copy, its rows."""
