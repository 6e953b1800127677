"""The provider: who runs this installation."""
