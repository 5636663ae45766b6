-- The sessions of people that they have ended themselves, for as long as a copy of the cookie would be good.
CREATE TABLE tw_ended_session (
    id    TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
