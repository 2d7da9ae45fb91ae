"""What the site of docs/ needs beside mkdocs: pages made of files outside docs/, and a check of the result."""
