{{- /*
open_to_person reads the open messages to a person.

Parameters: those of find_person.
Returns: .MessageColumns. A message may be another person's: see find_person.
*/ -}}
WITH {{template "find_person" .}}
SELECT {{.MessageColumns}} FROM person p {{template "join_state" .As "p"}} {{template "join_message" .}}
WHERE NOT {{template "has_ended"}}
