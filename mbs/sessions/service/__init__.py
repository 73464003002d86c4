"""What can be done with group classes. `classes`: the service. `planning`: finding one its place."""
