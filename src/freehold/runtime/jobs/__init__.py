"""Work behind the requests, done by the leading worker: scheduled jobs and requests that SQL has asked for."""
