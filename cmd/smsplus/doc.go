// Smsplus is the operator's command line. It migrates a store's schema. It counts, lists and
// exports messages, finds some by what is at hand, and shows one in full.
// It shows how sending stands, and pauses channels and templates. It also cancels a message,
// erases a person's data and drops old records.
//
//	export SMSPLUS_STORE=sqlite:messages.db    # or postgres://user@host/database
//	smsplus migrate
//	smsplus stats -from 2026-11-01
//	smsplus records -tab failed -tz Asia/Taipei
//	smsplus show 0195939e-4c80-7000-8000-000000000001
//	smsplus show -key login-4711
//	smsplus find -region TW 0912-345-678
//	smsplus export -o records.csv
//
// Results go to standard output, everything else to standard error. Only migrate, pause,
// resume, cancel, and with -yes erase and purge, change anything. Phone numbers are masked,
// and recipients' IDs, metadata and variables are left out, unless -reveal is given. No error
// holds a phone number, a password or a key.
//
// The exit codes:
//
//	0    done
//	1    failed, or left out records that cannot be read
//	2    wrong usage: a command, a flag, the store's URL or its keys
//	3    show, find, cancel: there is no such message
//	4    the schema is not the one that this release needs: see smsplus migrate
//	130  interrupted
package main
