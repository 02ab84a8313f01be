// Package sqlquery builds the parts of a statement that depend on a filter: its
// parameters and its conditions. The rest of a statement is fixed text.
//
//	args := sqlquery.NewArgs[any](sqlquery.Numbered)
//	var where sqlquery.Conditions
//	where.Add("template = " + args.Add(f.Template))
//	sql := "SELECT id FROM message" + where.Where()
//	rows, err := db.Query(ctx, sql, args.Values()...)
//
// Statements that are joined by UNION ALL share the parameters, and each has conditions
// of its own.
//
// Conditions that cannot tell everything are completed by [MatchingPage].
package sqlquery

import (
	"strconv"
	"strings"
)

// Placeholder returns how a database writes the nth parameter, counted from 1.
type Placeholder func(n int) string

// Numbered writes $1, $2, as PostgreSQL does. A parameter may stand in several places.
func Numbered(n int) string { return "$" + strconv.Itoa(n) }

// Positional writes a question mark for every parameter. The parameters must then be
// added in the order in which they stand in the text, each once.
func Positional(int) string { return "?" }

// Args are the parameters of a statement, whose values have the type V.
type Args[V any] struct {
	placeholder Placeholder
	values      []V
}

// NewArgs returns no parameters yet.
func NewArgs[V any](p Placeholder) *Args[V] { return &Args[V]{placeholder: p} }

// Add adds a parameter and returns its placeholder.
func (a *Args[V]) Add(v V) string {
	a.values = append(a.values, v)
	return a.placeholder(len(a.values))
}

// Values returns the parameters in the order in which they were added.
func (a *Args[V]) Values() []V { return a.values }

// Conditions are what a row must satisfy, all of them. The zero value is none.
type Conditions struct{ all []string }

// Add adds a condition, in which OR needs parentheses around it. Values must not be part
// of its text: see [Args.Add].
func (c *Conditions) Add(condition string) { c.all = append(c.all, condition) }

// Where returns a WHERE clause with a space before it, or "" if there is no condition.
func (c *Conditions) Where() string {
	if len(c.all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.all, " AND ")
}
