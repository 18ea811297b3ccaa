"""A second implementation of the formats of KMS, small and slow, for checking the first."""
