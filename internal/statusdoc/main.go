// Command statusdoc writes the tables of package status into a Markdown file: the
// statuses, and each machine as a mermaid state diagram. It replaces the text between the
// markers "<!-- generated: NAME -->" and "<!-- end -->", and keeps all other text.
//
//	statusdoc docs/status.md
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/status"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: statusdoc FILE")
		os.Exit(2)
	}
	if err := updateFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "statusdoc:", err)
		os.Exit(1)
	}
}

func updateFile(file string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	doc, err := generate(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(doc), 0o644)
}

// sections holds the func that generates each section, by the name in its marker.
var sections = map[string]func() string{
	"statuses":   statusTable,
	"LINEPush":   func() string { return diagram(status.LINEPush) },
	"LINENotify": func() string { return diagram(status.LINENotify) },
	"SMS":        func() string { return diagram(status.SMS) },
	"WhatsApp":   func() string { return diagram(status.WhatsApp) },
	"Default":    func() string { return diagram(status.Default) },
}

const (
	beginMarker = "<!-- generated: "
	endMarker   = "<!-- end -->"
)

// generate returns the document with every section generated again. The document must have
// each section exactly once.
func generate(doc string) (string, error) {
	var out strings.Builder
	var seen []string
	for {
		before, rest, found := strings.Cut(doc, beginMarker)
		out.WriteString(before)
		if !found {
			break
		}
		name, rest, _ := strings.Cut(rest, " -->\n")
		section, ok := sections[name]
		if !ok || slices.Contains(seen, name) {
			return "", fmt.Errorf("section %q is unknown, or there twice", name)
		}
		seen = append(seen, name)
		_, rest, ended := strings.Cut(rest, endMarker)
		if !ended {
			return "", fmt.Errorf("section %q has no %s", name, endMarker)
		}
		out.WriteString(beginMarker + name + " -->\n\n" + section() + "\n" + endMarker)
		doc = rest
	}
	if len(seen) != len(sections) {
		return "", fmt.Errorf("%d of %d sections are there", len(seen), len(sections))
	}
	return out.String(), nil
}

func statusTable() string {
	var out strings.Builder
	out.WriteString("| status | final | tab |\n| --- | --- | --- |\n")
	for _, s := range status.Statuses() {
		final := "no"
		if s.Final() {
			final = "yes"
		}
		fmt.Fprintf(&out, "| `%v` | %s | %v |\n", s, final, s.Group())
	}
	return out.String()
}

func diagram(m *status.Machine) string {
	var out strings.Builder
	out.WriteString("```mermaid\nstateDiagram-v2\n    direction LR\n")
	fmt.Fprintf(&out, "    [*] --> %v\n", m.Initial())
	for _, e := range m.Edges() {
		fmt.Fprintf(&out, "    %v --> %v\n", e.From, e.To)
	}
	for _, e := range lateEdges(m) {
		fmt.Fprintf(&out, "    %v --> %v: late evidence\n", e.From, e.To)
	}
	for _, s := range status.Statuses() {
		if s.Final() && m.Reaches(s) {
			fmt.Fprintf(&out, "    %v --> [*]\n", s)
		}
	}
	out.WriteString("```\n")
	return out.String()
}

// lateEdges returns the transitions that the machine allows in addition to its own edges,
// from statuses that it reaches.
func lateEdges(m *status.Machine) []status.Edge {
	var edges []status.Edge
	for _, from := range status.Statuses() {
		for _, to := range status.Statuses() {
			e := status.Edge{From: from, To: to}
			if m.Can(from, to) && m.Reaches(from) && !slices.Contains(m.Edges(), e) {
				edges = append(edges, e)
			}
		}
	}
	return edges
}
