"""Findings about an app: rules over its files, its history and its replayed schema. The record of acts is `trail`."""
