# fish: what `yemotd` may be followed by, as the program itself says.
function __yemotd
    env _YEMOTD_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \
        _TYPER_COMPLETE_ARGS=(commandline -cp | string join ' ' | string collect) yemotd 2>/dev/null
end
complete --command yemotd --no-files --arguments "(__yemotd get-args)" --condition "__yemotd is-args"
