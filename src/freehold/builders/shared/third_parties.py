"""Back ends of others that hold data or users of an app, by the packages that speak to them."""

from freehold.builders.shared import python
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import Package
from freehold.core.inventory import Place, ServiceUse

_NODE = {
    "firebase": "Firebase", "firebase-admin": "Firebase", "@react-native-firebase/app": "Firebase",
    "appwrite": "Appwrite", "node-appwrite": "Appwrite", "convex": "Convex", "pocketbase": "PocketBase",
    "mongodb": "MongoDB", "mongoose": "MongoDB", "@libsql/client": "Turso", "@prisma/client": "a database by Prisma",
    "@neondatabase/serverless": "Neon", "mysql2": "MySQL", "@planetscale/database": "PlanetScale",
    "@vercel/postgres": "Vercel Postgres", "@upstash/redis": "Upstash", "@vercel/kv": "Vercel KV",
    "@clerk/clerk-react": "Clerk", "@clerk/nextjs": "Clerk", "@auth0/auth0-react": "Auth0", "auth0": "Auth0",
    "@workos-inc/node": "WorkOS", "aws-amplify": "AWS Amplify",
}  # fmt: skip
_PYTHON = {
    "firebase-admin": "Firebase", "appwrite": "Appwrite", "libsql": "Turso", "libsql-client": "Turso",
    "libsql-experimental": "Turso", "pymysql": "MySQL", "mysqlclient": "MySQL", "supabase": "Supabase",
}  # fmt: skip


def third_parties(checkout: Checkout, packages: tuple[Package, ...]) -> tuple[ServiceUse, ...]:
    """List the services, one entry a package that speaks to one, sorted."""
    found = [
        ServiceUse(service=service, address=f"package {name}", places=(dependency_place(checkout, package, name),))
        for package in packages
        for name, service in _NODE.items()
        if name in package.dependencies
    ]
    required = python.requirements(checkout)
    found += [
        ServiceUse(service=service, address=f"package {name}", places=(required[name],))
        for name, service in _PYTHON.items()
        if name in required
    ]
    return tuple(sorted(found, key=lambda use: (use.service, use.address, use.places[0].path)))


def dependency_place(checkout: Checkout, package: Package, name: str) -> Place:
    """Say where a package.json asks for a package."""
    text = checkout.text(package.path)
    return Place(path=package.path, line=text.count("\n", 0, max(text.find(f'"{name}"'), 0)) + 1)
