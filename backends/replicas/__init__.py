"""Servers of one machine as processes, and HAProxy in front of them."""
