{{- /*
sheets reads the counts that are stored of hours or days: see sheet.go.

Parameters: $1 the length of a period in hours (smallint); one row of two arrays for each
range of periods: $2 the first (integer[]), $3 the one after the last (integer[]). .Columns are
the columns of counts to read.
Returns: start, mark, .Columns, which are all NULL of a period that has changed since.
*/ -}}
SELECT s.start, s.mark, {{.Columns.From "s"}}
FROM unnest($2::integer[], $3::integer[]) AS r (first, next) CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_sheet WHERE hours = $1 AND start >= r.first AND start < r.next
) s
