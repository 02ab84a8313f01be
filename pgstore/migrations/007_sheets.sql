-- The counts of grouped statistics, by hours and days since 1970 (hours 1 and 24, start in
-- these). They are a cache: a query stores them. A row without counts stands for a period that
-- has changed since. The mark is another one after each change that was folded. Rows stay, because a
-- query that began before the change must find the new mark.
CREATE TABLE /*schema*/smsplus_sheet (
	hours       smallint NOT NULL,
	start       integer  NOT NULL,
	mark        uuid     NOT NULL DEFAULT gen_random_uuid(),
	totals      bytea,
	counts      bytea,
	total_times bytea,
	times       bytea,
	count_sums  bytea,
	time_sums   bytea,
	PRIMARY KEY (hours, start)
);

-- Whatever takes deltas or totals away marks the hours and days that they counted: a fold and a
-- month that is dropped, also by a release from before.
CREATE FUNCTION /*schema*/smsplus_mark_delta_sheets() RETURNS trigger LANGUAGE plpgsql AS $mark$
BEGIN
	INSERT INTO /*schema*/smsplus_sheet (hours, start)
	SELECT DISTINCT p.hours, p.start
	FROM gone g CROSS JOIN LATERAL (VALUES (1, g.hour), (24, floor(g.hour / 24.0)::integer)) AS p (hours, start)
	ORDER BY 1, 2
	ON CONFLICT (hours, start) DO UPDATE
	SET mark = excluded.mark, totals = NULL, counts = NULL, total_times = NULL, times = NULL, count_sums = NULL, time_sums = NULL;
	RETURN NULL;
END
$mark$;
CREATE TRIGGER smsplus_delta_sheets AFTER DELETE ON /*schema*/smsplus_delta REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION /*schema*/smsplus_mark_delta_sheets();

CREATE FUNCTION /*schema*/smsplus_mark_total_sheets() RETURNS trigger LANGUAGE plpgsql AS $mark$
BEGIN
	INSERT INTO /*schema*/smsplus_sheet (hours, start)
	SELECT DISTINCT span, start FROM gone WHERE channel = '' AND span IN (1, 24)
	ORDER BY 1, 2
	ON CONFLICT (hours, start) DO UPDATE
	SET mark = excluded.mark, totals = NULL, counts = NULL, total_times = NULL, times = NULL, count_sums = NULL, time_sums = NULL;
	RETURN NULL;
END
$mark$;
CREATE TRIGGER smsplus_total_sheets AFTER DELETE ON /*schema*/smsplus_total REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION /*schema*/smsplus_mark_total_sheets();

-- An update that changes a reason or a time may leave the tally as it is, and then no delta. This
-- leaves one of nothing, for every release. Only what is Delivered (4) has a time that counts.
-- A message that is Failed or Undeliverable (2, 3) has the reason of its last attempt.
CREATE FUNCTION /*schema*/smsplus_note_recount() RETURNS trigger LANGUAGE plpgsql AS $note$
BEGIN
	INSERT INTO /*schema*/smsplus_delta (hour, template, tally, n)
	VALUES (floor(date_part('epoch', NEW.triggered_at) / 3600)::integer, NEW.template, NEW.tally, 0);
	RETURN NULL;
END
$note$;
CREATE TRIGGER smsplus_state_recount AFTER UPDATE OF body ON /*schema*/smsplus_state FOR EACH ROW
WHEN (NEW.tally = OLD.tally AND NEW.body <> OLD.body
	AND (NEW.reasons IS DISTINCT FROM OLD.reasons OR NEW.status IN (2, 3) OR strpos(NEW.tally, '4') > 0))
EXECUTE FUNCTION /*schema*/smsplus_note_recount();
