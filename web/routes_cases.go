package web

// casesRoutes adds the pages of entries and messages.
func (s *site) casesRoutes(rt *routes) {
	rt.get("/queue", deciders(), s.showQueue)
	rt.stream("/queue/live", deciders(), s.followQueue)
	rt.get("/queue/export", deciders(), s.exportQueue)
	rt.get("/quarantine", deciders(), s.showQuarantine)

	rt.get("/case/{station}/{ballot}", deciders(), s.showCase)
	rt.post("/case/{station}/{ballot}/decide", deciders(), s.decideCase)
	rt.post("/case/{station}/{ballot}/call", deciders(), s.callCase)
	rt.post("/case/{station}/{ballot}/phone", deciders(), s.showCasePhone)
	rt.stream("/case/{station}/{ballot}/watch", deciders(), inTime(s.watchCase))
	rt.post("/case/{station}/{ballot}/take", deciders(), s.takeCase)
	rt.get("/case/{station}/{ballot}/type", deciders(), s.showTyping)
	rt.post("/case/{station}/{ballot}/type", deciders(), s.typeCase)

	rt.get("/message/{key}", deciders(), s.showMessage)
	rt.post("/message/{key}/attach", deciders(), s.attachMessage)
	rt.post("/message/{key}/handle", deciders(), s.handleMessage)
	rt.post("/message/{key}/phone", deciders(), s.showMessagePhone)
	rt.post("/message/{key}/take", deciders(), s.takeMessage)

	rt.get("/search", anyone(), s.showSearch)
	rt.get("/log", callers(), s.showLog)
	rt.get("/log/export", callers(), s.exportLog)
}
