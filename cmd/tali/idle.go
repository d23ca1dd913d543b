package main

import (
	"log/slog"

	"tali/configs"
)

// warnIdle names the settings that this version reads and does not act on yet:
// an operator must not believe that they work.
func warnIdle(cfg configs.Config, log *slog.Logger) {
	warn := func(key string, set bool) {
		if set {
			log.Warn("this setting has no effect yet", "key", key)
		}
	}
	warn("metrics.listen", cfg.Metrics.Listen != "")
	for _, m := range cfg.Gateway.Modems {
		warn("gateway.modems: ussd_balance of "+m.Name, m.USSDBalance != "")
		warn("gateway.modems: operator of "+m.Name, m.Operator != "")
	}
}
