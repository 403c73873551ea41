"""The catalogue of every sentence a user may see, by theme: one module each, plain data.

``docs/errors.md`` is made from it by ``make docs``, and a test keeps both equal. Raise one with
``CannotBill.because(SENTENCE, …)``; a test sees to it that nothing a user may read is raised without one.
"""
