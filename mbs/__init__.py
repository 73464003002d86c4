"""MyBizStream: one WSGI service. The map of the house; its plan is docs/architecture.md.

`app.py` puts the service together, `config.py` declares its variables, `degraded.py` answers while they
are incomplete, `cli.py` is the `mbs` command. The rooms (`customers`, `auth`, `team`
and the others) have the same furniture: blueprint, schemas, service, repository, models, errors. All of them
stand on `foundation`. What runs beside the service (migrations, smoke tests) is in `operations`.
"""

__version__ = "0.1.0"
