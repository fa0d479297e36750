"""`python -m mind_keras`: the same as `mind-keras`."""

from mind_keras.cli import main

if __name__ == "__main__":
    main()
