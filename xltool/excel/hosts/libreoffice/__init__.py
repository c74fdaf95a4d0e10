"""A running LibreOffice Calc behind xlwings: the ribbon's functions work on its open documents.

`bridge` finds UNO and the running office, `engine` is an xlwings engine with just the calls that
xltool makes, `object_model` what xltool asks of Excel past xlwings, `dialogs` talks with the
person. Where Calc is laxer than Excel the engine keeps to Excel's rules: locked cells refuse.
"""
