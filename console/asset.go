package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets/*.css assets/*.js assets/*.svg
var assetFiles embed.FS

// assets are the files that browsers load. Their paths have a hash of the content, so that
// browsers keep them forever and never show an old one.
type assets struct {
	paths    map[string]string // by the file's name: "/assets/console.1f2e3d4c.css"
	contents map[string][]byte // by the last part of the path
}

// loadAssets reads the files, which are part of the program.
func loadAssets() *assets {
	a := &assets{map[string]string{}, map[string][]byte{}}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // the program was built without them
	}
	for _, e := range entries {
		content, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		extension := path.Ext(e.Name())
		hashed := strings.TrimSuffix(e.Name(), extension) + "." + hex.EncodeToString(sum[:4]) + extension
		a.paths[e.Name()], a.contents[hashed] = "/assets/"+hashed, content
	}
	return a
}

// assetPath returns the path of a file as browsers see it.
func (s *site) assetPath(name string) string { return s.path(s.assets.paths[name]) }

// contentTypes are those of the assets by extension. The system's table may lack them.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func (v *visit) sendAsset(w http.ResponseWriter) error {
	name := v.r.PathValue("name")
	content, ok := v.assets.contents[name]
	if !ok {
		return failure{http.StatusNotFound, "error.page"}
	}
	w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err := w.Write(content)
	return v.logLost(err)
}
