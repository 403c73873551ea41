"""The catalogue of every sentence a user may see, by theme: one module each, plain data.

``docs/errors.md`` is made from it, and a test keeps both equal. Raise one with ``CannotBill.because(SENTENCE, …)``.
"""
