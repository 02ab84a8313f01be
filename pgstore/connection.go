package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// acquireConn returns a connection that is prepared.
func (s *Store) acquireConn(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.prepareConn(ctx, conn.Conn()); err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// prepareConn makes a connection know compositeArrayTypes, whose OIDs differ from database
// to database, and checks its settings, unless it has done so before.
func (s *Store) prepareConn(ctx context.Context, conn *pgx.Conn) error {
	known := conn.TypeMap()
	if t, ok := known.TypeForName(s.qualifiedArrayTypes[0]); ok {
		if _, ok := t.Codec.(compositeArrayCodec); ok {
			return nil
		}
	}
	rows, err := conn.Query(ctx, s.statements.arrayTypes, s.qualifiedArrayTypes)
	if err != nil {
		return err
	}
	var have settings
	types, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pgtype.Type, error) {
		var t pgtype.Type
		var codec compositeArrayCodec
		err := row.Scan(&have.serverEncoding, &have.clientEncoding, &have.conformingStrings, &have.dateStyle, &have.byteaOutput,
			&t.Name, &t.OID, &codec.element)
		if err == nil && t.OID == 0 {
			err = errors.New("a type of the schema is not there")
		}
		t.Codec = codec
		return &t, err
	})
	if err != nil {
		return err
	}
	if err := have.check(conn.Config().DefaultQueryExecMode); err != nil {
		return err
	}
	known.RegisterTypes(types)
	return nil
}

// settings are those of a connection that decide how values are written.
type settings struct {
	serverEncoding, clientEncoding            string
	conformingStrings, dateStyle, byteaOutput string
}

// check returns an error about settings with which values would be misread.
func (s settings) check(mode pgx.QueryExecMode) error {
	var errs []error
	require := func(ok bool, setting, have, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("the connection's %s is %s, and must be %s: set it in the pool's ConnConfig.RuntimeParams, or for the role",
				setting, have, want))
		}
	}
	if s.serverEncoding != "UTF8" && s.serverEncoding != "SQL_ASCII" { // SQL_ASCII converts nothing
		errs = append(errs, fmt.Errorf("the database's encoding is %s, and must be UTF8: it cannot hold every text", s.serverEncoding))
	}
	asText := mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol // values come as text
	require(s.clientEncoding == "UTF8" || s.clientEncoding == "SQL_ASCII" && !asText, "client_encoding", s.clientEncoding, "UTF8")
	if asText {
		require(s.conformingStrings == "on", "standard_conforming_strings", s.conformingStrings, "on")
		require(strings.HasPrefix(s.dateStyle, "ISO"), "DateStyle", s.dateStyle, "ISO")
		require(s.byteaOutput == "hex", "bytea_output", s.byteaOutput, "hex")
	}
	return errors.Join(errs...)
}
