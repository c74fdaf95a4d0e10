Attribute VB_Name = "Ribbon"
Option Explicit
' ASCII only: labels live in ribbon.xml, messages in messages.txt, everything else in Python.
' No procedure takes a command or a path, and none gives one away: a shape or a cell of a received
' workbook that names a procedure of this add-in can at most press a button.

Private Const BUTTONS As String = " new_form fill_from_data import_last_year add_row delete_empty_rows add_project" & _
    " check_all cross_totals compare_last_year normalise next_finding previous_finding clear_marks undo_last" & _
    " export_pdf print_forms export_data error_note submission_package total_folder" & _
    " guide rules_help settings about "
Private Const PLAIN As String = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-"

' The one callback of every button: the ribbon hands over the control that was pressed.
Public Sub OnButton(control As Object)
    On Error GoTo Failed
    Start control.ID
    Exit Sub
Failed:
    Application.StatusBar = False
    MsgBox Message(1) & vbLf & Err.Description, vbExclamation
End Sub

' Python writes the foot line as soon as it runs: if ours still stands there, it never did.
Public Sub Watch()
    If CStr(Application.StatusBar) <> Message(2) Then Exit Sub
    Application.StatusBar = False
    MsgBox Message(3), vbExclamation
End Sub

' Starts Python without cmd.exe. The interpreter comes from a file of this user that
' "xltool addin install" wrote (UTF-16, one line), never from a workbook.
Private Sub Start(ByVal button As String)
    Dim shell As Object, python As String, book As String
    If InStr(button, " ") > 0 Or InStr(BUTTONS, " " & button & " ") = 0 Then Exit Sub
    Application.StatusBar = Message(2)
    Set shell = CreateObject("WScript.Shell")
    python = shell.ExpandEnvironmentStrings("%APPDATA%") & "\xltool\python.txt"
    python = CreateObject("Scripting.FileSystemObject").OpenTextFile(python, 1, False, -1).ReadLine()
    If AscW(python) = &HFEFF Then python = Mid$(python, 2)
    If Not ActiveWorkbook Is Nothing Then book = ActiveWorkbook.Name
    shell.Run """" & python & """ -I -B -m xltool.excel " & button & _
        " --book """ & Escaped(book) & """ --hwnd " & Application.Hwnd, 1, False
    Application.OnTime Now + TimeSerial(0, 0, 30), "'" & ThisWorkbook.Name & "'!Watch"
End Sub

' No quoting rules to get wrong: what is not plain goes as *XXXX (UTF-16 in hex; no file name
' holds a *). So neither quotes nor %NAME%, which WScript.Shell.Run expands, can do anything.
Private Function Escaped(ByVal text As String) As String
    Dim i As Long, one As String
    For i = 1 To Len(text)
        one = Mid$(text, i, 1)
        If InStr(PLAIN, one) = 0 Then one = "*" & Right$("000" & Hex$(AscW(one) And &HFFFF&), 4)
        Escaped = Escaped & one
    Next
End Function

Private Function Message(ByVal line As Long) As String
    Message = ThisWorkbook.Worksheets(1).Cells(line, 1).Value
End Function
