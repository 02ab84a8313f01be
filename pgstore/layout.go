package pgstore

import (
	"context"
	"regexp"
	"strings"
)

// layout is how the tables are made: where, and whether by months.
//
// The SQL of this package is written for the plain layout, and is valid as it stands:
// /*schema*/ stands before each name, what is in /*monthly: … */ is for the other
// layout, and what stands between /*plain*/ and /*end*/ is not.
type layout struct {
	qualifier string // what stands before a name, or ""
	monthly   bool
}

var (
	// A comment of a schema may stand in a piece.
	monthlyPiece = regexp.MustCompile(`(?s)/\*monthly: ?((?:/\*schema\*/|.)*?)\*/`)
	plainPiece   = regexp.MustCompile(`(?s)/\*plain\*/(.*?)/\*end\*/`)
)

// qualified returns a statement as it is for a layout.
func qualified(sql string, l layout) string {
	monthly, plain := "", "$1"
	if l.monthly {
		monthly, plain = " $1", ""
	}
	sql = monthlyPiece.ReplaceAllString(sql, monthly)
	sql = plainPiece.ReplaceAllString(sql, plain)
	return strings.ReplaceAll(sql, "/*schema*/", l.qualifier)
}

// layoutOf returns the layout of tables that are there.
func layoutOf(ctx context.Context, db querier, qualifier string) (layout, error) {
	l := layout{qualifier: qualifier}
	err := db.QueryRow(ctx, l.render("table_is_partitioned", params{}), qualifier+"smsplus_state").Scan(&l.monthly)
	return l, err
}
