-- What a batch brings: one parameter is an array of these. An array for each column
-- takes the server longer, to take in and to put together.
CREATE TYPE /*schema*/smsplus_new_message AS (
	id           uuid,
	triggered_at timestamptz,
	template     text,
	route        bigint,
	country      text,
	phone        text,
	key          text,
	fixed        bytea,
	due_at       timestamptz,
	version      bigint,
	claims       integer,
	status       smallint,
	tab          smallint,
	channel      text,
	lane         text,
	tally        text,
	body         bytea
);
CREATE TYPE /*schema*/smsplus_new_state AS (
	id           uuid,
	triggered_at timestamptz,
	version      bigint,
	due_at       timestamptz,
	status       smallint,
	tab          smallint,
	channel      text,
	lane         text,
	tally        text,
	body         bytea,
	last         text,
	name         bigint,
	names        text
);
CREATE TYPE /*schema*/smsplus_new_attempt AS (
	id           uuid,
	triggered_at timestamptz,
	channel      text,
	name         bigint
);
CREATE TYPE /*schema*/smsplus_new_delta AS (
	hour     integer,
	template text,
	tally    text,
	n        integer
);
CREATE TYPE /*schema*/smsplus_new_route AS (
	id   bigint,
	body bytea
);
