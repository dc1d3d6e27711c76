package history

import (
	"context"
	"database/sql"
	"log/slog"
)

// prune forgets what is too old or too much. What is there now is kept.
func (h *History) prune(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recorded = 0
	err := h.o.Database.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM change WHERE at < ? AND planned = 0", h.o.Now().Add(-h.o.Retention).UnixNano()); err != nil {
			return err
		}
		for {
			// A change that is forgotten leaves texts that nothing else needs.
			_, err := tx.ExecContext(ctx, `DELETE FROM revision WHERE
				NOT EXISTS (SELECT 1 FROM object o WHERE o.version = revision.version)
				AND NOT EXISTS (SELECT 1 FROM change_entry e WHERE e.before_version = revision.version)
				AND NOT EXISTS (SELECT 1 FROM change_entry e WHERE e.after_version = revision.version)`)
			if err != nil {
				return err
			}
			var bytes, changes int64
			if err := tx.QueryRowContext(ctx, "SELECT coalesce(sum(length(text)), 0) FROM revision").Scan(&bytes); err != nil {
				return err
			}
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM change WHERE planned = 0").Scan(&changes); err != nil {
				return err
			}
			if bytes <= h.o.MaxBytes || changes == 0 {
				return nil
			}
			// A tenth at a time.
			_, err = tx.ExecContext(ctx, "DELETE FROM change WHERE id IN (SELECT id FROM change WHERE planned = 0 ORDER BY id LIMIT ?)", (changes+9)/10)
			if err != nil {
				return err
			}
		}
	})
	if err != nil && ctx.Err() == nil {
		h.log.Debug("the history is not pruned", slog.Any("error", err))
	}
}
