"""When a service can be had, as pure computation: no SQL, instants as whole seconds since 1970.

`offer`: what is asked for, and of whom. `hours`: when they are there. `slots`: the starts that remain.
`reasons`: why the others do not. `stays`: beds for nights. `rules`: how early and how late one may book, and
for how many units of the price. `times`: instants as text.
"""
