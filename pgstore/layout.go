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
	qualifier   string // what stands before a name, or ""
	partitioned bool
}

var (
	// A comment of a schema may stand in a piece.
	partitionedMark = regexp.MustCompile(`(?s)/\*monthly: ?((?:/\*schema\*/|.)*?)\*/`)
	plainMark       = regexp.MustCompile(`(?s)/\*plain\*/(.*?)/\*end\*/`)
)

// renderMigration returns a statement as it is for a layout.
func renderMigration(sql string, l layout) string {
	monthly, plain := "", "$1"
	if l.partitioned {
		monthly, plain = " $1", ""
	}
	sql = partitionedMark.ReplaceAllString(sql, monthly)
	sql = plainMark.ReplaceAllString(sql, plain)
	return strings.ReplaceAll(sql, "/*schema*/", l.qualifier)
}

// detectLayout returns the layout of tables that are there.
func detectLayout(ctx context.Context, db querier, qualifier string) (layout, error) {
	l := layout{qualifier: qualifier}
	err := db.QueryRow(ctx, l.render("table_is_partitioned", params{}), qualifier+"smsplus_state").Scan(&l.partitioned)
	return l, err
}
