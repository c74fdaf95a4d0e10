Attribute VB_Name = "Ribbon"
Option Explicit
' ASCII only: labels live in ribbon.xml, messages in messages.txt, everything else in Python.

Public Const BUTTONS As String = " new_form fill_from_data add_row delete_empty_rows add_project" & _
    " check_all cross_totals normalise next_finding clear_marks" & _
    " export_pdf export_data total_folder guide rules_help about "

' The one callback of every button: the ribbon hands over the control that was pressed.
Public Sub OnButton(control As Object)
    Press control.ID
End Sub

Public Sub Press(ByVal button As String)
    On Error GoTo Failed
    If InStr(BUTTONS, " " & button & " ") = 0 Then Exit Sub
    Launcher.Start Launcher.CommandLine(Launcher.Interpreter(), button, BookName(), Application.Hwnd)
    Exit Sub
Failed:
    MsgBox ThisWorkbook.Worksheets(1).Range("A1").Value & vbLf & Err.Description, vbExclamation
End Sub

Private Function BookName() As String
    If Not ActiveWorkbook Is Nothing Then BookName = ActiveWorkbook.Name
End Function
