"""A node under measurement, and what the benches of the tree share."""
import json
import os
import subprocess
import sys
import urllib.request

sys.dont_write_bytecode = True


class Node:
    """thaw serve on free ports, with settings, and with a tree if one is named; started, not yet ready."""

    def __init__(self, thaw, config, settings, tree=None):
        self.tree, self.process = tree, None
        self.command = [thaw, "serve", "--config", config, "--json", "--log-level", "warning"]
        with open(config, "w") as file:
            file.write(f'{settings}\ns3: {{listen: "127.0.0.1:0"}}\ncontrol: {{listen: "127.0.0.1:0"}}\n')
        self.start()

    def start(self):
        if self.process:
            self.process.stdout.close()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)

    def await_ready(self):
        self.report = json.loads(self.process.stdout.readline())
        return self

    def stats(self):
        return json.load(urllib.request.urlopen(self.report["control"] + "/api/v1/stats"))

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return {line.split(":")[0]: int(line.split()[1]) / 1024
                    for line in status if line.startswith(("VmRSS", "VmHWM"))}

    def path(self, name):
        return os.path.join(self.tree, "models", name)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        if self.tree:
            subprocess.run(["umount", "-l", self.tree], check=False, stderr=subprocess.DEVNULL)


def rclone_mount(endpoint, folder, place):
    """The command that mounts the bucket of a node, with rclone's own cache in a folder."""
    return ["rclone", "mount", "--config", "/dev/null", "--read-only", "--vfs-cache-mode", "full", "--cache-dir",
            f"{folder}/rclone-cache", "--s3-provider", "Other", "--s3-endpoint", endpoint,
            "--s3-access-key-id", "a", "--s3-secret-access-key", "b", ":s3:models", place]


def show_result(text, file):
    """Prints a page, and writes it to a file if one is named."""
    print("\n".join(text))
    if file:
        with open(file, "w") as page:
            page.write("\n".join(text) + "\n")
