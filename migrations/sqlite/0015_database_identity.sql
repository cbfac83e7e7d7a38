-- Which database this is: what others keep of it (a cache) tells by it whether it is of this one. Never copied.
CREATE TABLE database_identity (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    id   BLOB    NOT NULL
);
INSERT INTO database_identity (only, id) VALUES (1, randomblob(16));
