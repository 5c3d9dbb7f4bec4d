"""Benchmarks of the service, most of them beside a minimal program that does the same work. No test runs them."""
