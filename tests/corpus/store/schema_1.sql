BEGIN TRANSACTION;
CREATE TABLE alerts (
            key TEXT PRIMARY KEY, receipt TEXT NOT NULL, at TEXT NOT NULL, handled_at TEXT, body TEXT NOT NULL);
INSERT INTO "alerts" VALUES('C1:1.1','0b11ecbdc9b549519d45f1a7e6802dbc','2026-11-22T10:04:31.123456+00:00',NULL,'{"key": "C1:1.1", "place": {"channel": "C1", "thread": ""}, "message": "1.1", "alert": {"kind": "firing", "title": "down", "sender": "", "severity": "unknown", "text": "", "labels": [["container", "buggy-app-v2"]]}, "at": "2026-11-22T10:04:31.123456+00:00"}');
CREATE TABLE approvals (
            token TEXT PRIMARY KEY, incident TEXT NOT NULL REFERENCES incidents (id), revision INTEGER NOT NULL,
            person TEXT NOT NULL, at TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE incidents (
            id TEXT PRIMARY KEY, target TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL,
            writer TEXT NOT NULL, opened_at TEXT NOT NULL, updated_at TEXT NOT NULL, restarted_at TEXT,
            alerts INTEGER NOT NULL, remembered INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "incidents" VALUES('inc-00001','buggy-app-v2','PROPOSED',1,'3403f794bafe4be295f1dad33aa1b4d8','2026-11-22T10:04:32.123456+00:00','2026-11-22T20:09:26.820149+00:00','2026-11-22T10:01:31.123456+00:00',3,0,'{"id": "inc-00001", "target": "buggy-app-v2", "place": {"channel": "C1", "thread": "1.1"}, "state": "PROPOSED", "opened_at": "2026-11-22T10:04:32.123456+00:00", "opened_by": "U1", "title": "Pool exhausted", "severity": "unknown", "alert_text": "", "alerts": 1, "card": "", "evidence": {"target": "buggy-app-v2", "gathered_at": "2026-11-22T10:04:31Z", "facts": null, "log": {"lines": [{"number": 3, "text": "ERROR täglich � � ‮", "count": 412, "until": "", "boundary": false}], "total_lines": 1204, "total_bytes": 99}, "usage": null, "neighbours": [], "events": [], "sources": [{"name": "logs", "status": "ok", "detail": "1,204 lines"}]}, "diagnosis": {"headline": "pool exhausted", "root_cause": "held", "action": "restart", "justification": "released", "confidence": 0.86, "trouble": "resource_exhaustion", "restart_helps": true, "by": "gemini", "quotes": [{"number": 3, "text": "ERROR", "count": 1}], "caveats": [], "why_rules": "", "tokens": 0, "seconds": 0.0}, "precedents": [{"entry": {"root_cause": "a", "action": "restart", "justification": "", "id": "", "at": "", "target": "", "image": "", "symptom": "", "trouble": "", "evidence": ["x"], "diagnosed_by": "", "outcome": "", "approved_by": "", "recovered_in_s": 7.4, "verification": ""}, "score": 0.5, "why": "same symptom"}], "verdict": {"rule": "cooldown", "reason": "Too soon."}, "digest": "", "proposed_at": null, "approval": {"user": "U2", "at": "2026-11-22T10:04:31.123456+00:00", "digest": "ab12"}, "before": ["2026-11-22T09:00:00.123456789Z", ""], "restarted_at": "2026-11-22T10:01:31.123456+00:00", "bundle": "", "verification": {"recovered": true, "seconds": 7.4, "good_in_row": 3, "probes": ["200"], "started_at": "x", "url_known": true, "reason": "", "summary": "200 ×3, healthy"}, "closing": "", "closed_by": "", "closed_at": null, "reason": "", "told": false, "remembered": false, "revision": 0}');
CREATE TABLE refusals (
            token TEXT PRIMARY KEY, incident TEXT NOT NULL, person TEXT NOT NULL, team TEXT NOT NULL,
            channel TEXT NOT NULL, card TEXT NOT NULL, digest TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL,
            at TEXT NOT NULL);
CREATE TABLE schema_version (version INTEGER NOT NULL, at TEXT NOT NULL);
INSERT INTO "schema_version" VALUES(1,'2026-11-22T20:09:26.808992+00:00');
CREATE INDEX alerts_at ON alerts (at);
CREATE UNIQUE INDEX incidents_one_live ON incidents (target)
            WHERE state IN ('OPEN', 'PROPOSED', 'RESTARTING', 'VERIFYING');
CREATE UNIQUE INDEX incidents_one_restarting ON incidents (target) WHERE state = 'RESTARTING';
CREATE INDEX incidents_opened ON incidents (target, opened_at);
CREATE INDEX incidents_restarted ON incidents (target, restarted_at);
CREATE INDEX incidents_unremembered ON incidents (opened_at)
            WHERE remembered = 0 AND state IN ('RESOLVED', 'UNRESOLVED', 'IGNORED');
COMMIT;
