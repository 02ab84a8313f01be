package api

import (
	_ "embed"
	"net/http"
)

// document describes the API in OpenAPI 3.1. A test holds it against the handler.
//
//go:embed openapi.json
var document []byte

// getDocument answers with the document.
func (*call) getDocument(http.ResponseWriter) (answer, error) {
	return answer{code: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: document}, nil
}
