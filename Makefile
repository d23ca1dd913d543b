# make on its own prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh

FUZZTIME ?= 1m
BENCH ?=
SMS ?= 100000005
MINUTES ?= 60
ROUNDS ?= 20

.PHONY: help run build test soak bench failover patroni compare-peers fuzz-parser fuzz-pdu fuzz-protocol clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: ## install what is missing, build, and run the demonstration
	@scripts/needs.sh run
	@tali=$$(scripts/build.sh) && exec "$$tali" demo

build: ## build bin/tali
	@scripts/needs.sh build
	@scripts/build.sh

test: ## formatting, vet and all tests under the race detector
	@scripts/needs.sh test
	@scripts/test.sh

soak: ## an election night in which everything goes wrong (MINUTES=60)
	@scripts/needs.sh test
	@scripts/soak.sh $(MINUTES)

bench: ## the benchmark beside pgbench (BENCH='flags of tali bench')
	@scripts/needs.sh run
	@tali=$$(scripts/build.sh) && exec "$$tali" bench $(BENCH)

failover: ## kill the primary under load, promote its standby, restore a backup (ROUNDS=20)
	@scripts/needs.sh run
	@tali=$$(scripts/build.sh) && exec "$$tali" bench failover --rounds $(ROUNDS)

patroni: ## the same under Debian's Patroni, etcd and HAProxy (ROUNDS=20)
	@scripts/needs.sh run
	@tali=$$(scripts/build.sh) && exec scripts/patroni.sh "$$tali" $(ROUNDS)

compare-peers: ## kill -9 in a stream of SMS: tali beside gammu-smsd and smstools
	@scripts/needs.sh peers
	@tali=$$(scripts/build.sh) && exec "$$tali" bench peers

fuzz-parser: ## fuzz the parser (FUZZTIME=1m for each target)
	@scripts/needs.sh build
	@scripts/fuzz.sh ./parser $(FUZZTIME)

fuzz-pdu: ## fuzz the decoding of PDUs (FUZZTIME=1m for each target)
	@scripts/needs.sh build
	@scripts/fuzz.sh ./gsm $(FUZZTIME)

fuzz-protocol: ## 1e8 SMS with a single fault: none may be taken with other content (SMS=1000005)
	@scripts/needs.sh build
	@tali=$$(scripts/build.sh) && exec "$$tali" bench protocol rates --sms $(SMS)

clean: ## remove what was built
	rm -rf bin
