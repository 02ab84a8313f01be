package pgstore

import (
	"context"
	"regexp"
	"strings"
)

// layout is the form of a store's tables: their schema, and whether they are partitioned by
// month. Statements are templates that know it: see [layout.render].
type layout struct {
	qualifier   string // the quoted schema and a dot, or ""
	partitioned bool
	changes     bool // the tables note changes: see sql/enable_changes.sql
}

// schemaMark stands for the qualifier in SQL that is not complete yet. It is replaced last,
// because a schema's name may hold anything.
const schemaMark = "/*schema*/"

// The migrations are written with marks instead of templates, and stay so: a migration
// that was applied never changes. They are valid SQL without partitions. /*schema*/ stands
// before each name, the text in /*monthly: … */ is for partitioned tables only, and the
// text between /*plain*/ and /*end*/ is for tables without partitions only.
var (
	partitionedMark = regexp.MustCompile(`(?s)/\*monthly: ?((?:/\*schema\*/|.)*?)\*/`) // it may contain /*schema*/
	plainMark       = regexp.MustCompile(`(?s)/\*plain\*/(.*?)/\*end\*/`)
)

// renderMigration returns a migration for the layout.
func (l layout) renderMigration(sql string) string {
	partitioned, plain := "", "$1"
	if l.partitioned {
		partitioned, plain = " $1", ""
	}
	sql = partitionedMark.ReplaceAllString(sql, partitioned)
	sql = plainMark.ReplaceAllString(sql, plain)
	return strings.ReplaceAll(sql, schemaMark, l.qualifier)
}

// detectLayout returns the layout of the tables that exist.
func detectLayout(ctx context.Context, db querier, qualifier string) (layout, error) {
	l := layout{qualifier: qualifier}
	err := db.QueryRow(ctx, l.render("table_is_partitioned", params{}), qualifier+"smsplus_state").Scan(&l.partitioned)
	if err != nil {
		return l, err
	}
	err = db.QueryRow(ctx, l.render("table_exists", params{}), qualifier+"smsplus_history").Scan(&l.changes)
	return l, err
}
