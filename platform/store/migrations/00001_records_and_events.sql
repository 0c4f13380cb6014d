-- +goose Up
CREATE TABLE records (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE events (
    seq  BIGINT NOT NULL PRIMARY KEY,
    type TEXT   NOT NULL,
    id   TEXT   NOT NULL,
    at   BIGINT NOT NULL,
    data TEXT   NOT NULL
);

-- The row is updated, and thereby locked, by every transaction that tells events: numbers become
-- visible in their order, also with several processes on one database.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('events', 0);

-- +goose Down
DROP TABLE counters;
DROP TABLE events;
DROP TABLE records;
