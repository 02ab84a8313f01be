package console

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templateSet holds the pages of a language by their names. Each page has a set of its own,
// which defines "title", "content" and its parts on top of the shared ones.
type templateSet map[string]*template.Template

// parseTemplates parses the pages for each language.
func (s *site) parseTemplates() (map[string]templateSet, error) {
	pages, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	byLanguage := map[string]templateSet{}
	for _, c := range catalogues {
		shared := template.New("layout.html").Option("missingkey=error").Funcs(template.FuncMap{
			"t":     c.text,
			"path":  s.path,
			"asset": s.assetPath,
			"count": formatCount,
			"args":  func(all ...any) []any { return all },
		})
		if shared, err = shared.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"); err != nil {
			return nil, err
		}
		set := templateSet{}
		for _, p := range pages {
			name := strings.TrimSuffix(p.Name(), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			page, err := shared.Clone()
			if err != nil {
				return nil, err
			}
			if set[name], err = page.ParseFS(templateFiles, path.Join("templates", p.Name())); err != nil {
				return nil, err
			}
		}
		byLanguage[c.code] = set
	}
	return byLanguage, nil
}

// execute writes a page, or the part of it that is named after a "#".
func (s templateSet) execute(w io.Writer, name string, data any) error {
	page, part, ok := strings.Cut(name, "#")
	if !ok {
		part = "layout.html"
	}
	if s[page] == nil {
		return fmt.Errorf("no template %q", page)
	}
	return s[page].ExecuteTemplate(w, part, data)
}

// layout is what every page has around its content.
type layout struct {
	Lang, Title, Product, HomeURL string
	Zone                          string
	Nav                           []navItem
	Languages                     []navItem
	// Back is the page itself, for forms that return to it.
	Back string
	// Now is the time of the page.
	Now moment
	// Done says that an action was taken. It is "" if the page does not follow one.
	Done string
	// LiveURL is the stream that keeps the page current. It is "" if there is none.
	LiveURL string
	// RevealURL shows personal data on this page, or hides it again. It is "" if the viewer
	// may not see any.
	RevealURL  string
	IsRevealed bool
}

// navItem is a link, or the value of a button.
type navItem struct {
	Label, URL, Value string
	IsCurrent         bool
}

// navigation lists the pages in the order of the menu, by the keys of their titles.
// A page with a rule is listed only for viewers to whom the rule applies.
var navigation = []struct {
	key, path string
	rule      func(*visit) bool
}{
	{"templates.title", "/templates", nil},
	{"records.title", "/records", nil},
	{"why.title", "/why", nil},
	{"providers.title", "/providers", nil},
	{"operations.title", "/operations", nil},
	{"actions.title", "/actions", (*visit).mayAct},
	{"meaning.title", "/meaning", nil},
}

// layout returns what is around a page. The keys are those of its title and of its place in
// the menu.
func (v *visit) layout(title, place string) layout {
	l := layout{
		Lang: v.code, Title: v.text(title), Product: v.config.Title, HomeURL: v.config.HomeURL,
		Zone: v.zone.String(), Back: v.r.URL.RequestURI(), Now: v.moment(v.now), IsRevealed: v.reveal,
		Done: v.doneText(),
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		l.Back = v.path("/")
		for _, n := range navigation {
			if n.key == place {
				l.Back = v.path(n.path)
			}
		}
	}
	for _, n := range navigation {
		if n.rule != nil && !n.rule(v) {
			continue
		}
		l.Nav = append(l.Nav, navItem{Label: v.text(n.key), URL: v.path(n.path), IsCurrent: n.key == place})
	}
	for _, c := range catalogues {
		l.Languages = append(l.Languages, navItem{Label: c.name, Value: c.code, IsCurrent: c.code == v.code})
	}
	return l
}

// withReveal adds the link that shows personal data to the layout of a page that has some.
func (v *visit) withReveal(l layout) layout {
	if !v.mayReveal {
		return l
	}
	q := v.r.URL.Query()
	q.Del("reveal")
	if !v.reveal {
		q.Set("reveal", "1")
	}
	l.RevealURL = (&url.URL{Path: v.r.URL.Path, RawQuery: q.Encode()}).String()
	return l
}
